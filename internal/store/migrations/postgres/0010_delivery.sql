-- Complete downloads are counted by which bytes were delivered, in any order.
-- A row of delivery is a request that is being answered; it lapses when its
-- process does not extend it.

-- +goose Up
alter table file add column coverage_gzip text not null default '';
alter table file add column coverage_plain text not null default '';
alter table file add column checksums bytea;
alter table file add column damaged bigint not null default 0;
alter table file drop column sent_gzip;
alter table file drop column sent_plain;
create index file_damaged on file (job) where damaged > 0;

create table delivery (
    id         text    not null primary key,
    job        text    not null,
    key        text    not null,
    gzip       integer not null,
    first      bigint  not null,
    last       bigint  not null, -- excluded
    held_until bigint  not null
);
create index delivery_of_file on delivery (job, key);
