-- The last block of a segment stands apart from the others: an export of what
-- is new wants only that. Rows from before have all of their blocks in deflate.

-- +goose Up
alter table segment add column tail bytea not null default '';
alter table segment alter column tail set storage external;

-- +goose Down
update segment set deflate = deflate || tail;
alter table segment drop column tail;
