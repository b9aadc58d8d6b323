create schema private;
alter table cache set schema private;
alter function nothing_asked() set schema private;
alter view api.widget_names set schema private;
alter type geo_point set schema extensions;
alter table if exists public.unheard_of set schema private;
