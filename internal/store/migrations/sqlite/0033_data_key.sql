-- The keys that encrypt result files and segments, see decision 0150.

-- +goose Up
create table data_key (
    id      text   not null primary key,
    wrapped blob   not null, -- encrypted by a wrapping key, which is not in the database
    by_key  text   not null, -- its name
    created bigint not null
) without rowid;

-- +goose Down
drop table data_key;
