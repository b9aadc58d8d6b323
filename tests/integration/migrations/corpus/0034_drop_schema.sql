drop schema internal cascade;
