create table a_very_long_table_name_that_goes_on_and_on_for_ever_and_ever (
  id int primary key,
  another_quite_long_column_name_for_the_key int references films
);
alter table a_very_long_table_name_that_goes_on_and_on_for_ever_and_ever
  drop constraint "a_very_long_table_name_that_g_another_quite_long_column_na_fkey";
create table pairs (a int, b int, primary key (a, b));
create table pair_users (x int, y int, foreign key (x, y) references pairs (a, b), z int);
alter table pair_users drop column x;
alter table pair_users add foreign key (y, z) references pairs;
