-- Claims of version 3 know a person by another number than those of versions 1 and
-- 2: their segments are stored under it. 0 is a person whose number is not known.
-- Contracts without a row in contract_v3 have what the server has by default.

-- +goose Up
alter table enrollment add column patient_v3 bigint not null default 0;
create index enrollment_of_patient_v3 on enrollment (patient_v3, snapshot) where patient_v3 <> 0;
create table contract_v3 (
    number  text    not null primary key,
    enabled integer not null
);

-- +goose Down
drop table contract_v3;
drop index enrollment_of_patient_v3;
alter table enrollment drop column patient_v3;
