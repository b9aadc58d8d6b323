begin;
create table before_savepoint (id int);
savepoint here;
create table after_savepoint (id int);
rollback to savepoint here;
commit;
