-- By what a request that comes again is known (Idempotency-Key), hashed.

-- +goose Up
alter table job add column key text not null default '';
create index job_of_key on job (key) where key <> '';

-- +goose Down
drop index job_of_key;
alter table job drop column key;
