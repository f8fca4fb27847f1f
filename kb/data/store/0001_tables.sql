-- What the libraries of an organisation share, and who may read it.
--
-- Nothing here is a source: all of it is made from repositories, and a push makes it again.

-- The one encoder whose vectors are compared here, and what is counted over all texts: `model` is
-- what a search needs of it, `sums` what only a push needs. `version` rises with every push.
CREATE TABLE kb.statistics (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    encoder text NOT NULL,
    model_name text NOT NULL,
    dimension integer NOT NULL,
    version bigint NOT NULL DEFAULT 0,
    records integer NOT NULL DEFAULT 0,
    passages integer NOT NULL DEFAULT 0,
    model bytea NOT NULL DEFAULT '',
    sums bytea NOT NULL DEFAULT ''
);

-- A library belongs to the role that pushed it first: its team. `origin` is where its repository
-- lives, empty where it has no remote. `revision` is what stands here now.
CREATE TABLE kb.libraries (
    number integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL UNIQUE,
    team name NOT NULL DEFAULT current_user,
    origin text NOT NULL,
    share text NOT NULL CHECK (share IN ('none', 'facts', 'external', 'all')),
    revision text NOT NULL DEFAULT '',
    committed_at timestamptz
);

-- What the names of a library's records are hashed with; its team alone reads it, so that nobody
-- else finds an id by trying.
CREATE TABLE kb.salts (
    library integer PRIMARY KEY REFERENCES kb.libraries ON DELETE CASCADE,
    salt uuid NOT NULL DEFAULT gen_random_uuid()
);

CREATE TABLE kb.revisions (
    library integer NOT NULL REFERENCES kb.libraries ON DELETE CASCADE,
    revision text NOT NULL,
    committed_at timestamptz,
    pushed_at timestamptz NOT NULL DEFAULT now(),
    pushed_by name NOT NULL DEFAULT current_user,
    client text NOT NULL,
    written integer NOT NULL,
    removed integer NOT NULL,
    PRIMARY KEY (library, pushed_at)
);

-- Who may read a row: everybody with kb_reader, or the team of its library alone. Every row of a
-- record carries the number of one audience, which is what row-level security looks at, and which is
-- one of the record's own library. 16 bits, as postings are many: a push gives the next number, with
-- no sequence that attempts use up.
CREATE TABLE kb.audiences (
    number smallint PRIMARY KEY,
    library integer NOT NULL REFERENCES kb.libraries ON DELETE CASCADE,
    is_open boolean NOT NULL,
    UNIQUE (library, is_open),
    UNIQUE (number, library)
);

-- Facts: no sentence of anybody. `content` is the hash of all that was pushed for the record.
-- `name` is its id where its text is here too, else its day and a tail that its team can explain.
-- `facts` are those of kb.facts/1.
CREATE TABLE kb.records (
    number integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    library integer NOT NULL REFERENCES kb.libraries ON DELETE CASCADE,
    audience smallint NOT NULL,
    key bytea NOT NULL,
    content bytea NOT NULL,
    name text NOT NULL,
    day date NOT NULL,
    happened_at timestamptz NOT NULL,
    kind text NOT NULL,
    severity text NOT NULL,
    classes text[] NOT NULL,
    facts jsonb NOT NULL,
    UNIQUE (library, key),
    FOREIGN KEY (audience, library) REFERENCES kb.audiences (number, library)
);

CREATE TABLE kb.facets (
    record integer NOT NULL REFERENCES kb.records ON DELETE CASCADE,
    audience smallint NOT NULL,
    key text NOT NULL,
    word text NOT NULL,
    PRIMARY KEY (record, key, word)
);
CREATE INDEX ON kb.facets (key, word);

CREATE TABLE kb.clocks (
    record integer NOT NULL REFERENCES kb.records ON DELETE CASCADE,
    audience smallint NOT NULL,
    clock text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (record, clock)
);

-- The shape of the run behind a record: hashes of its tools, order of calls, errors and effects.
CREATE TABLE kb.runs (
    record integer PRIMARY KEY REFERENCES kb.records ON DELETE CASCADE,
    audience smallint NOT NULL,
    shape jsonb NOT NULL
);

-- Texts: only of records whose team shares them. `entry` is what ranking reads, in MessagePack;
-- `words` and `counts` are the bag of words, int64 and int16, little-endian. `draw` picks an even
-- sample of all texts: those of the smallest numbers.
CREATE TABLE kb.texts (
    record integer PRIMARY KEY REFERENCES kb.records ON DELETE CASCADE,
    audience smallint NOT NULL,
    title text NOT NULL,
    entry bytea NOT NULL,
    words bytea NOT NULL,
    counts bytea NOT NULL,
    length integer NOT NULL,
    passages integer NOT NULL,
    draw bigint NOT NULL,
    mean halfvec NOT NULL
);
CREATE INDEX ON kb.texts (draw);

CREATE TABLE kb.passages (
    record integer NOT NULL REFERENCES kb.records ON DELETE CASCADE,
    audience smallint NOT NULL,
    place smallint NOT NULL,
    text_hash bytea NOT NULL,
    section text NOT NULL,
    text text NOT NULL,
    PRIMARY KEY (record, place)
);

-- Apart from the passages, so that a passage that only moves costs nothing in the graph.
CREATE TABLE kb.vectors (
    record integer NOT NULL REFERENCES kb.records ON DELETE CASCADE,
    audience smallint NOT NULL,
    text_hash bytea NOT NULL,
    vector halfvec NOT NULL,
    PRIMARY KEY (record, text_hash)
);

-- Words are 64-bit hashes, as in the index on a machine.
CREATE TABLE kb.postings (
    word bigint NOT NULL,
    record integer NOT NULL,
    count smallint NOT NULL,
    audience smallint NOT NULL,
    PRIMARY KEY (word, record) INCLUDE (count, audience)
);
CREATE INDEX ON kb.postings (record);

CREATE TABLE kb.words (
    word bigint PRIMARY KEY,
    records integer NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE kb.verdicts (
    record integer NOT NULL REFERENCES kb.records ON DELETE CASCADE,
    audience smallint NOT NULL,
    about text NOT NULL,
    word text NOT NULL,
    PRIMARY KEY (record, about, word)
);

CREATE TABLE kb.actions (
    record integer NOT NULL REFERENCES kb.records ON DELETE CASCADE,
    audience smallint NOT NULL,
    place smallint NOT NULL,
    label text NOT NULL,
    text text NOT NULL,
    state text NOT NULL,
    owner text NOT NULL,
    due date,
    closed date,
    PRIMARY KEY (record, place)
);

-- What is left of a record that was deleted or purged: the hash of its id, and when.
CREATE TABLE kb.tombstones (
    library integer NOT NULL REFERENCES kb.libraries ON DELETE CASCADE,
    key bytea NOT NULL,
    gone_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (library, key)
);
