do $$ begin
  create type user_role as enum ('admin', 'member');
exception
  when duplicate_object then null;
end $$;

DO $$ BEGIN
 ALTER TABLE "scans" ADD CONSTRAINT "scans_requested_by_fk" FOREIGN KEY ("id") REFERENCES "public"."projects"("id") ON DELETE no action;
EXCEPTION
 WHEN duplicate_object THEN null;
END $$;

do $$
begin
  alter table profiles add column role user_role;
exception when duplicate_column then
  raise notice 'column role is already there';
end $$;

do $$ begin
  create table invitations (
    id uuid primary key,
    email text not null
  );
exception when duplicate_table then null; end $$;
