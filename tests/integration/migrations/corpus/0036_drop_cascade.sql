drop table parents cascade;
