-- Stock, and a row for each line of a reservation, which is also what remembers its key.

CREATE TABLE stock (
    key text PRIMARY KEY,
    on_hand bigint NOT NULL,
    held bigint NOT NULL DEFAULT 0
-- Room on each page for the row's next version, so that no index has to change.
) WITH (fillfactor = 50);

CREATE TABLE hold (
    request text NOT NULL,
    line bigint NOT NULL,
    key text NOT NULL,
    quantity bigint NOT NULL,
    expires_at timestamptz NOT NULL,
    live boolean NOT NULL DEFAULT true,
    PRIMARY KEY (request, line)
);

CREATE INDEX hold_due ON hold (expires_at) WHERE live;

CREATE PROCEDURE fill(items int, locations int, opening bigint) LANGUAGE sql AS $$
    INSERT INTO stock (key, on_hand)
    SELECT format('lt-%s@store-%s', lpad(item::text, 7, '0'), lpad(location::text, 4, '0')), opening
    FROM generate_series(0, items - 1) AS item, generate_series(0, locations - 1) AS location;
$$;

-- Gives back what is held past its deadline. The plan is made while the table is empty.
CREATE FUNCTION lapse() RETURNS void LANGUAGE sql SET enable_seqscan = off AS $$
    WITH due AS (
        UPDATE hold SET live = false WHERE live AND expires_at <= now() RETURNING key, quantity
    )
    UPDATE stock SET held = held - lapsed.quantity
    FROM (SELECT key, sum(quantity) AS quantity FROM due GROUP BY key) AS lapsed
    WHERE stock.key = lapsed.key;
$$;

-- All lines or none, in the order of their keys. A hot row is locked last, and held until the
-- commit only. What is short is looked at again without the holds that lapsed.
CREATE FUNCTION reserve(request_id text, keys text[], quantities bigint[], seconds int)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO hold (request, line, key, quantity, expires_at)
        SELECT request_id, wanted.line, wanted.key, wanted.quantity,
               now() + make_interval(secs => seconds)
        FROM unnest(keys, quantities) WITH ORDINALITY AS wanted (key, quantity, line)
        ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN '200';
    END IF;
    FOR place IN 1 .. cardinality(keys) LOOP
        UPDATE stock SET held = held + quantities[place]
            WHERE key = keys[place] AND on_hand - held >= quantities[place];
        CONTINUE WHEN FOUND;
        PERFORM lapse();
        UPDATE stock SET held = held + quantities[place]
            WHERE key = keys[place] AND on_hand - held >= quantities[place];
        IF NOT FOUND THEN
            RAISE EXCEPTION 'not enough of %', keys[place] USING ERRCODE = 'OH409';
        END IF;
    END LOOP;
    RETURN '201';
END $$;

-- Many lines at once, those of a request all or none, the first come first. A request that was
-- placed before takes nothing again; one that is refused still counts against those behind it,
-- who may try again: so no key is ever promised beyond what is there.
CREATE FUNCTION reserve_many(requests text[], keys text[], quantities bigint[], seconds int)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    placed bigint;
BEGIN
    PERFORM lapse();
    PERFORM FROM stock WHERE key = ANY (keys) ORDER BY key FOR UPDATE;
    WITH wanted AS (
        SELECT *, sum(quantity) OVER (PARTITION BY key ORDER BY line) AS until_here
        FROM unnest(requests, keys, quantities) WITH ORDINALITY
            AS wanted (request, key, quantity, line)
    ), decided AS (
        SELECT wanted.*,
               bool_and(coalesce(until_here <= on_hand - held, false))
                   OVER (PARTITION BY request) AS fits
        FROM wanted LEFT JOIN stock USING (key)
    ), held AS (
        INSERT INTO hold (request, line, key, quantity, expires_at)
        SELECT request, line, key, quantity, now() + make_interval(secs => seconds)
        FROM decided WHERE fits
        ON CONFLICT DO NOTHING
        RETURNING key, quantity
    ), taken AS (
        UPDATE stock SET held = stock.held + wanted.quantity
        FROM (SELECT key, sum(quantity) AS quantity FROM held GROUP BY key) AS wanted
        WHERE stock.key = wanted.key
    )
    SELECT count(*) FROM held INTO placed;
    RETURN CASE WHEN placed = cardinality(keys) THEN '201' ELSE '207 ' || placed END;
END $$;

-- Keys, on hand, held, keys that promise more than there is, and the sum of live holds.
CREATE FUNCTION books() RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', '200', count(*), sum(on_hand), sum(held),
        count(*) FILTER (WHERE held > on_hand),
        (SELECT coalesce(sum(quantity), 0) FROM hold WHERE live AND request LIKE 'lt-%'))
    FROM stock WHERE key LIKE 'lt-%';
$$;
