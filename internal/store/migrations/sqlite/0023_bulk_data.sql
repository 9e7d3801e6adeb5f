-- A job may be limited to some patients. They are stored until the job was swept, and
-- the members of a part for as long as the part. The names of elements that claims are cut
-- down to are joined by commas.

-- +goose Up
alter table job add column patients_hash text not null default '';
alter table job add column elements text not null default '';
alter table part add column members text not null default '';
create table job_patient (
    job      text not null primary key references job (id),
    patients text not null
);

-- +goose Down
drop table job_patient;
alter table part drop column members;
alter table job drop column elements;
alter table job drop column patients_hash;
