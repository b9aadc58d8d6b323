alter schema private rename to internal;
alter schema api rename to api_v1;
