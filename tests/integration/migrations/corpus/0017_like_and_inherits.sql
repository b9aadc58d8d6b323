create table archived_projects (like projects including all, archived_at timestamptz);
create table places (name text primary key, population int);
create table capitals (state char(2) unique not null) inherits (places);
alter table places add column elevation int;
alter table only places drop column population;
alter table places rename column name to title;
alter table capitals no inherit places;
alter table places drop column elevation;
