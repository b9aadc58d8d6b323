create function shout(t text) returns text language sql immutable as 'select upper(t)';
create view shouted as select shout(content) as loud from documents;
create view quiet as select id, content from documents;
drop function shout(text) cascade;
