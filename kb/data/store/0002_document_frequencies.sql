-- How many texts hold a word is counted by the database itself, in the push's own transaction.

CREATE FUNCTION kb.count_added_words() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO kb.words AS known
    SELECT word, count(*) FROM added GROUP BY word
    ON CONFLICT (word) DO UPDATE SET records = known.records + excluded.records;
    RETURN NULL;
END $$;

CREATE FUNCTION kb.count_removed_words() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE kb.words SET records = words.records - gone.records
    FROM (SELECT word, count(*) AS records FROM removed GROUP BY word) AS gone
    WHERE words.word = gone.word;
    DELETE FROM kb.words USING (SELECT DISTINCT word FROM removed) AS gone
    WHERE words.word = gone.word AND words.records <= 0;
    RETURN NULL;
END $$;

CREATE TRIGGER added AFTER INSERT ON kb.postings
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION kb.count_added_words();

CREATE TRIGGER removed AFTER DELETE ON kb.postings
REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION kb.count_removed_words();
