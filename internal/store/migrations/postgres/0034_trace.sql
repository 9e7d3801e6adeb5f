-- The span in which a job was accepted (W3C's traceparent), so that workers in other
-- processes continue its trace. See decision 0151.

-- +goose Up
alter table job add column trace text not null default '';

-- +goose Down
alter table job drop column trace;
