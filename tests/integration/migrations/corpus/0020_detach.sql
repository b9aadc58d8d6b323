alter table events detach partition events_2024;
drop table events_2025;
