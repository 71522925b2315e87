-- Made when old parts are first thrown away: until then no charge pays for it.
CREATE INDEX IF NOT EXISTS part_by_start ON part (resource, per, size_ms, start_ms);
