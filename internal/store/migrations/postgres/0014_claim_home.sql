-- Which enrollee has a claim, as of a load: a claim is of one person at a time,
-- and moves when upstream merges or separates people. The row of the highest
-- load counts.

-- +goose Up
create table claim_home (
    version  integer not null,
    id       text    not null,
    load     bigint  not null,
    enrollee bigint  not null,
    primary key (version, id, load)
);
