# An action that does what the file step.py in the job's workspace says.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
ENTRYPOINT ["python3", "-u", "/github/workspace/step.py"]
