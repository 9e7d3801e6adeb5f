-- Of two preferences of a person the one with the later effective day counts, in
-- whichever order they are imported. Those from before have no day, which any
-- later import replaces.

-- +goose Up
alter table opt_out add column effective integer not null default 0; -- days since 1970-01-01

-- +goose Down
alter table opt_out drop column effective;
