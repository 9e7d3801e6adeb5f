-- A job names the source of its enrollment and claims: only workers with the
-- same source work on it. Jobs of older releases have none, and any worker does.

-- +goose Up
alter table job add column source text not null default '';
