create table parents (id int primary key, name text);
create table kids (id int primary key, parent_id int references parents);
create view family as select p.name, k.id from parents p join kids k on k.parent_id = p.id;
create view cousins as select name from family;
create function parent_of(p parents) returns text language sql as 'select p.name';
create table holds_row (id int, who_id int, who parents);
