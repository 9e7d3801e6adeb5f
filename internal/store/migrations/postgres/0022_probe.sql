-- One row, which /health writes to see whether the database can be written.

-- +goose Up
create table probe (
    id bigint not null primary key check (id = 1),
    at bigint not null
);

-- +goose Down
drop table probe;
