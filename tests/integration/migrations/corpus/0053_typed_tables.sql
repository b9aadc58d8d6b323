create type contact as (name text, phone varchar(20), born date);
create table contacts of contact (primary key (name));
alter type contact add attribute city text cascade;
create table other_contacts (like contacts);
alter type contact rename attribute phone to telephone cascade;
alter type contact drop attribute born cascade, alter attribute city type varchar(10) cascade;
