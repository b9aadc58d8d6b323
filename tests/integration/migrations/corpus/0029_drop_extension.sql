drop function match_documents(vector, int);
drop extension vector cascade;
