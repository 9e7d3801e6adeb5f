-- The manifest of a job may come in pages, and the first of them before the job is
-- completed. ready_parts are the parts from the first on that are done without a gap,
-- and ready_files their claim files, which have numbers and names.

-- +goose Up
alter table job add column partial integer not null default 0;
alter table job add column ready_parts integer not null default 0;
alter table job add column ready_files integer not null default 0;
create index file_by_number on file (job, kind, number);

-- +goose Down
drop index file_by_number;
alter table job drop column ready_files;
alter table job drop column ready_parts;
alter table job drop column partial;
