-- Times are milliseconds since the epoch; identifiers and hashes are raw bytes.
-- Long columns stand last: what stands behind one is reached through all its overflow pages.

-- Truth: the journals, exactly as signed. `place` is the order in which this store judged them;
-- `past` is the bundle's causal past (a pure function of the headers).
create table bundle (
    site bytea not null,
    incarnation bigint not null,
    seq bigint not null,
    hash bytea not null unique,
    header bytea not null,
    payload bytea not null,
    signature bytea not null,
    action bytea not null,
    past bytea not null,
    place bigint not null unique,
    received_ms bigint not null,
    primary key (site, incarnation, seq)
);
-- With the whole key, or the question which bundle an action made walks its site's journal.
create index bundle_action on bundle (action, site, incarnation, seq);

-- Branches that a closure adopted stand in `bundle`, with the number of their chain in bits 24
-- and up of the incarnation (lane.rs).

-- Truth: the other sides of forked journals. `whole`: everything before it is here too.
create table branch (
    hash bytea primary key,
    site bytea not null,
    incarnation bigint not null,
    seq bigint not null,
    prev bytea not null,
    kept bytea not null,
    whole bigint not null,
    bytes bigint not null,
    found_ms bigint not null,
    header bytea not null,
    signature bytea not null,
    payload bytea not null
);
-- All that is asked of branches together, so that no payload is walked.
create index branch_journal on branch
    (site, incarnation, seq, hash, prev, kept, whole, bytes, found_ms);
create index branch_prev on branch (prev);

-- Signed bundles that are not yet part of a journal here; `missing_*` is the first bundle each
-- one waits for.
create table waiting (
    hash bytea primary key,
    site bytea not null,
    incarnation bigint not null,
    seq bigint not null,
    missing_site bytea not null,
    missing_incarnation bigint not null,
    missing_seq bigint not null,
    bytes bigint not null,
    received_ms bigint not null,
    header bytea not null,
    signature bytea not null,
    payload bytea not null
);
create index waiting_missing on waiting (missing_site, missing_incarnation, missing_seq);
-- How much of a journal waits is counted for every bundle that comes to wait.
create index waiting_journal on waiting (site, incarnation, hash, bytes);

-- Places below a journal's head whose bundle is lost or damaged here. `hash` is the bundle that
-- must stand there, as far as its successor tells; the exact bytes wait here for what precedes.
create table hole (
    site bytea not null,
    incarnation bigint not null,
    seq bigint not null,
    hash bytea,
    found_ms bigint not null,
    header bytea,
    signature bytea,
    payload bytea,
    primary key (site, incarnation, seq)
);

-- What other sites hold durably of this site's own journals, and what their carried files say
-- of the other journals.
create table peer_ack (
    peer bytea not null,
    site bytea not null,
    incarnation bigint not null,
    seq bigint not null,
    primary key (peer, site, incarnation)
);

create table meta (
    name text primary key,
    value bytea not null
);

-- Caches: everything below, up to the accounts, is dropped and replayed by a rebuild.

create table quarantine (
    site bytea not null,
    incarnation bigint not null,
    seq bigint not null,
    hash bytea not null,
    verdict text not null,
    code text not null,
    record bytea,
    received_ms bigint not null,
    primary key (site, incarnation, seq)
);

-- Records that a held bundle would have changed: later changes of them are held as well.
create table held_record (
    record bytea not null,
    site bytea not null,
    incarnation bigint not null,
    seq bigint not null,
    primary key (record, site, incarnation, seq)
);

-- Two records of one kind may begin with the very same change, so a hash alone names none.
create table change (
    record bytea not null,
    hash bytea not null,
    site bytea not null,
    incarnation bigint not null,
    seq bigint not null,
    primary key (record, hash)
);
create index change_bundle on change (site, incarnation, seq);

create table snapshot (
    record bytea primary key,
    kind text not null,
    bytes bytea not null
);

create table record (
    no bigint not null,
    id bytea not null unique,
    kind text not null,
    number text not null,
    site bytea not null,
    happened_at bigint,
    sort_at bigint not null,
    recorded_at bigint not null,
    author bytea not null,
    title text not null,
    summary text not null,
    state text,
    open bigint not null,
    category text,
    level text,
    sensitive bigint not null,
    amended text,
    incident bytea,
    rev bigint not null,
    created_site bytea not null,
    created_hlc bigint not null,
    cursor bigint not null,
    -- A bundle beyond its revoked journal's cut wrote to it.
    disputed bigint not null default 0,
    primary key (no)
);
create index record_sort on record (sort_at desc, id);
create index record_cursor on record (cursor);
create index record_incident on record (incident);

-- `maker` is the operation that made the entry (counter and actor): two sites may choose one id,
-- and which of the two entries then has it changes as they merge.
create table entry_origin (
    record bytea not null,
    field text not null,
    entry bytea not null,
    maker bytea not null,
    author bytea not null,
    site bytea not null,
    wall_ms bigint not null,
    hlc bigint not null,
    primary key (record, field, maker)
);

create table link (
    record bytea not null,
    relation text not null,
    target bytea not null,
    primary key (record, relation)
);
create index link_target on link (target);

-- Last number given in each series, such as EJ2026. Numbers never return, so a rebuild only
-- raises them.
create table counter (
    series text primary key,
    last bigint not null
);

-- The tokens are made by the application; `ascii` leaves every non-ASCII character alone.
create virtual table search using fts5(
    tokens, content='', contentless_delete=1, tokenize='ascii'
);

-- Which entry names which blob.
create table blob_ref (
    blob bytea not null,
    record bytea not null,
    field text not null,
    entry bytea not null,
    size bigint not null,
    site bytea not null,
    hlc bigint not null,
    primary key (blob, record, field, entry)
);
create index blob_ref_record on blob_ref (record);

-- Site-local, never journalled.

-- Rows of the fast lane: another site's word, not proved here (provisional.rs). Dropped as soon as
-- the replay has passed what that site held.
create table provisional (
    id bytea primary key,
    kind text not null,
    number text not null,
    site bytea not null,
    happened_at bigint,
    sort_at bigint not null,
    recorded_at bigint not null,
    author bytea not null,
    author_name text not null,
    title text not null,
    summary text not null,
    state text,
    open bigint not null,
    category text,
    level text,
    sensitive bigint not null,
    amended text,
    incident bytea,
    rev bigint not null,
    attachments bigint not null
);
create index provisional_sort on provisional (sort_at desc, id);

-- Blobs with a file: `chunks` are the hashes of the manifest, `had` is a bitmap of the chunks here,
-- null once the blob is whole; `fetched` tells copies from what people gave to this site.
create table blob (
    hash bytea primary key,
    size bigint not null,
    fetched bigint not null,
    added_ms bigint not null,
    used_ms bigint not null,
    had bytea,
    chunks bytea not null
);

-- Blobs to fetch: small ones as records name them, others once somebody asks. `missed_ms` is when no
-- site that was reached had it, 0 before the first time.
create table blob_want (
    hash bytea primary key,
    hlc bigint not null,
    asked_ms bigint,
    missed_ms bigint not null default 0
);

create table account (
    id bytea primary key,
    login text not null,
    folded text not null unique,
    verifier text not null
);

-- The newest rule set each other site's program knows, as its last Hello said.
create table program (
    site bytea primary key,
    rules bigint not null,
    seen_ms bigint not null,
    incarnation bigint not null,
    boot_number bigint not null,
    boot_id bytea not null
);

create table session (
    token_hash bytea primary key,
    account bytea not null references account (id) on delete cascade,
    created_ms bigint not null,
    idle_expires_ms bigint not null,
    expires_ms bigint not null
);
create index session_account on session (account);

create table join_code (
    hash bytea primary key,
    site_name text not null,
    site_code text not null,
    expires_ms bigint not null,
    used_ms bigint
);
