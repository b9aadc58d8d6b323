drop type user_role cascade;
