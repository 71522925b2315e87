-- Made when the first window of a group is opened: until then no charge pays for it.
CREATE INDEX IF NOT EXISTS event_by_group ON event (grp, resource, at_ms) WHERE grp IS NOT NULL;
