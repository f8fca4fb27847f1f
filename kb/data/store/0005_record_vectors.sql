-- The vectors of a record's passages side by side, in their order: a question wants all of some 800
-- records, and 6,000 rows are looked up for longer than both graphs are walked. A row stays whole as
-- far as a page goes.

CREATE TABLE kb.record_vectors (
    record integer PRIMARY KEY REFERENCES kb.records ON DELETE CASCADE,
    audience smallint NOT NULL,
    vectors halfvec[] STORAGE EXTERNAL NOT NULL
        CHECK (array_ndims(vectors) = 1 AND array_position(vectors, NULL) IS NULL)
) WITH (toast_tuple_target = 8160);

INSERT INTO kb.record_vectors
SELECT p.record, p.audience, array_agg(v.vector ORDER BY p.place)
FROM kb.passages p JOIN kb.vectors v USING (record, text_hash) GROUP BY p.record, p.audience;

GRANT SELECT ON kb.record_vectors TO kb_reader, kb_writer;
GRANT INSERT, DELETE ON kb.record_vectors TO kb_writer;
ALTER TABLE kb.record_vectors ENABLE ROW LEVEL SECURITY;
CREATE POLICY read ON kb.record_vectors FOR SELECT
    USING (audience = ANY ((SELECT kb.readable())::smallint[]));
CREATE POLICY write ON kb.record_vectors
    USING (audience = ANY ((SELECT kb.writable())::smallint[]))
    WITH CHECK (audience = ANY ((SELECT kb.writable())::smallint[])
        AND EXISTS (SELECT FROM kb.records r JOIN kb.audiences a USING (library)
            WHERE r.number = record_vectors.record AND a.number = record_vectors.audience));
