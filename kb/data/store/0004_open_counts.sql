-- What is counted over all texts is read by everybody, so only texts that everybody may read are
-- counted. A row changes its audience by going and coming, so each side of a trigger sees it once.

CREATE FUNCTION kb.counted() RETURNS smallint[] LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(number), '{}') FROM kb.audiences WHERE is_open
$$;

CREATE OR REPLACE FUNCTION kb.count_added_words() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO kb.words AS known
    SELECT word, count(*) FROM added
    WHERE audience = ANY (kb.counted()) GROUP BY word
    ON CONFLICT (word) DO UPDATE SET records = known.records + excluded.records;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION kb.count_removed_words() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE kb.words SET records = words.records - gone.records
    FROM (SELECT word, count(*) AS records FROM removed
        WHERE audience = ANY (kb.counted()) GROUP BY word) AS gone
    WHERE words.word = gone.word;
    DELETE FROM kb.words USING (SELECT DISTINCT word FROM removed) AS gone
    WHERE words.word = gone.word AND words.records <= 0;
    RETURN NULL;
END $$;

UPDATE kb.words SET records = words.records - gone.records
FROM (SELECT word, count(*) AS records FROM kb.postings
    WHERE audience <> ALL (kb.counted()) GROUP BY word) AS gone
WHERE words.word = gone.word;
DELETE FROM kb.words WHERE records <= 0;

-- How many records of a team were written and went is its own matter too.
DROP POLICY read ON kb.revisions;
DROP POLICY read ON kb.tombstones;
