-- The lastUpdated of a load's newest claim.

-- +goose Up
alter table load add column newest bigint not null default 0;

-- +goose Down
alter table load drop column newest;
