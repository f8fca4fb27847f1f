-- Two groups: kb_reader for servers and people, kb_writer for the jobs that push. A role of neither
-- sees nothing. A team is whatever role pushed its library first, with the members of that role.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'kb_reader') THEN
        CREATE ROLE kb_reader NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'kb_writer') THEN
        CREATE ROLE kb_writer NOLOGIN;
    END IF;
END $$;

-- A team whose role is no more is nobody's.
CREATE FUNCTION kb.is_of_team(team name) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = team)
           THEN pg_catalog.pg_has_role(team, 'MEMBER') ELSE false END
$$;

-- The audiences that the current role belongs to, and those that it may write to.
CREATE FUNCTION kb.readable() RETURNS smallint[] LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(a.number), '{}')
    FROM kb.audiences a JOIN kb.libraries l ON l.number = a.library
    WHERE a.is_open OR kb.is_of_team(l.team)
$$;
CREATE FUNCTION kb.writable() RETURNS smallint[] LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(a.number), '{}')
    FROM kb.audiences a JOIN kb.libraries l ON l.number = a.library WHERE kb.is_of_team(l.team)
$$;

GRANT USAGE ON SCHEMA kb TO kb_reader, kb_writer;
GRANT SELECT ON ALL TABLES IN SCHEMA kb TO kb_reader, kb_writer;
GRANT INSERT, DELETE ON kb.records, kb.facets, kb.clocks, kb.runs, kb.texts, kb.passages,
    kb.vectors, kb.postings, kb.verdicts, kb.actions, kb.tombstones TO kb_writer;
GRANT UPDATE ON kb.records, kb.vectors, kb.tombstones TO kb_writer;
GRANT INSERT, UPDATE ON kb.libraries TO kb_writer;
GRANT UPDATE ON kb.statistics TO kb_writer;
GRANT INSERT ON kb.audiences, kb.revisions, kb.salts TO kb_writer;

-- The subquery is evaluated once a statement, not once a row. A part of a record is written under
-- an audience of that record's library; a record has one by its foreign key.
DO $$
DECLARE
    name text;
    own text := 'audience = ANY ((SELECT kb.writable())::smallint[])';
    part text := ' AND EXISTS (SELECT FROM kb.records r JOIN kb.audiences a USING (library) '
                 'WHERE r.number = %1$I.record AND a.number = %1$I.audience)';
BEGIN
    FOREACH name IN ARRAY ARRAY['records', 'facets', 'clocks', 'runs', 'texts', 'passages',
                                'vectors', 'postings', 'verdicts', 'actions'] LOOP
        EXECUTE format('ALTER TABLE kb.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY read ON kb.%I FOR SELECT '
            'USING (audience = ANY ((SELECT kb.readable())::smallint[]))', name);
        EXECUTE format('CREATE POLICY write ON kb.%1$I USING (' || own || ') WITH CHECK (' || own
            || CASE WHEN name = 'records' THEN '' ELSE part END || ')', name);
    END LOOP;
END $$;

ALTER TABLE kb.libraries ENABLE ROW LEVEL SECURITY;
CREATE POLICY read ON kb.libraries FOR SELECT USING (true);
CREATE POLICY found ON kb.libraries FOR INSERT WITH CHECK (team = current_user);
CREATE POLICY change ON kb.libraries FOR UPDATE
    USING (kb.is_of_team(team)) WITH CHECK (kb.is_of_team(team));

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['revisions', 'audiences', 'tombstones'] LOOP
        EXECUTE format('ALTER TABLE kb.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY read ON kb.%I FOR SELECT USING (true)', name);
        EXECUTE format('CREATE POLICY write ON kb.%I USING (EXISTS (SELECT FROM kb.libraries l '
            'WHERE l.number = library AND kb.is_of_team(l.team)))', name);
    END LOOP;
END $$;

ALTER TABLE kb.salts ENABLE ROW LEVEL SECURITY;
CREATE POLICY team ON kb.salts USING (EXISTS (SELECT FROM kb.libraries l
    WHERE l.number = library AND kb.is_of_team(l.team)));
