-- What analysts query. Times as TIMESTAMP (UTC); amounts exact.
CREATE OR REPLACE VIEW decisions AS
    SELECT d.account_id, d.decision_id, make_timestamp_ns(d.ts_event) AS ts, d.symbol, d.action, d.confidence, d.p_up,
        d.score, d.price,
        coalesce((SELECT arg_max(a.status, a.id) FROM audit a WHERE a.kind = 'decision' AND a.ref = d.decision_id),
            d.status) AS status,
        d.blocked_by, d.body
    FROM decision d ORDER BY d.id;
CREATE OR REPLACE VIEW signals AS
    SELECT account_id, decision_id, make_timestamp_ns(ts_event) AS ts, symbol, agent, role, status, p_up, size_cap,
        latency_ns, body
    FROM signal ORDER BY id;
CREATE OR REPLACE VIEW orders AS
    SELECT i.account_id, i.client_order_id, i.decision_id, make_timestamp_ns(i.ts_event) AS ts, i.mode, i.symbol,
        i.side, i."type", i.quantity, i.price, i.protective = 1 AS protective, i.approved_by,
        coalesce((SELECT arg_max(e.state, e.seq) FROM order_event e WHERE e.client_order_id = i.client_order_id),
            'initialized') AS state,
        coalesce((SELECT sum(f.quantity) FROM fill f WHERE f.client_order_id = i.client_order_id), 0) AS filled
    FROM order_intent i ORDER BY i.id;
CREATE OR REPLACE VIEW fills AS
    SELECT account_id, fill_id, client_order_id, decision_id, make_timestamp_ns(ts_event) AS ts, symbol, side, quantity,
        price, fee, realised_pnl, reason
    FROM fill ORDER BY id;
CREATE OR REPLACE VIEW positions AS
    SELECT account_id, symbol, sum(CASE side WHEN 'buy' THEN quantity ELSE -quantity END) AS quantity,
        sum(realised_pnl) AS realised_pnl, sum(fee) AS fees, count(*) AS fills
    FROM fill GROUP BY ALL ORDER BY ALL;
CREATE OR REPLACE VIEW equity_curve AS
    SELECT account_id, make_timestamp_ns(ts_event) AS ts, cash, position_value, equity, realised_pnl, unrealised_pnl,
        fees
    FROM equity ORDER BY id;
-- One row a step: what it did cost, or for one that never ended (status lost) the worst case it was sent with.
CREATE OR REPLACE VIEW llm_calls AS
    SELECT account_id, run_id, call_id, seq, make_timestamp_ns(ts_sent) AS ts, purpose, cycle, provider, model,
        CASE phase WHEN 'sent' THEN 'lost' ELSE status END AS status, reason, input_tokens, output_tokens,
        cached_tokens, cost_usd, cost_is_bound = 1 AS cost_is_bound, (ts_done - ts_sent) // 1000000 AS latency_ms,
        schema_sha, prompt_sha, request, response, text
    FROM llm_call c
    WHERE phase = 'done' OR NOT EXISTS (
        SELECT 1 FROM llm_call d WHERE d.call_id = c.call_id AND d.seq = c.seq AND d.phase = 'done')
    ORDER BY id;
CREATE OR REPLACE VIEW llm_costs AS
    SELECT account_id, date_trunc('day', ts) AS day, provider, model, purpose, count(*) AS steps,
        sum(cost_usd) AS cost_usd, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
        sum(cached_tokens) / nullif(sum(input_tokens), 0) AS cached_share, count(*) FILTER (status <> 'ok') AS failed
    FROM llm_calls GROUP BY ALL ORDER BY ALL;
CREATE OR REPLACE VIEW trail AS
    SELECT d.decision_id, make_timestamp_ns(d.ts_event) AS ts, d.symbol, d.price AS close, d.action, d.confidence,
        (SELECT string_agg(s.agent || ' ' || coalesce(round(s.p_up, 3)::VARCHAR, s.status), ', ' ORDER BY s.agent)
            FROM signal s WHERE s.decision_id = d.decision_id) AS votes,
        (SELECT arg_max(a.status, a.id) FROM audit a WHERE a.kind = 'verdict' AND a.ref = d.decision_id) AS verdict,
        (SELECT arg_max(a.status, a.id) FROM audit a WHERE a.kind = 'decision' AND a.ref = d.decision_id) AS approval,
        i.client_order_id, i.side, i.quantity, f.fill_id, f.price AS fill_price, f.realised_pnl
    FROM decision d
    LEFT JOIN order_intent i ON i.decision_id = d.decision_id
    LEFT JOIN fill f ON f.client_order_id = i.client_order_id
    ORDER BY d.id;
CREATE OR REPLACE VIEW outcomes AS
    SELECT o.account_id, o.decision_id, make_timestamp_ns(o.ts_decided) AS ts, make_timestamp_ns(o.ts_event) AS resolved,
        o.symbol, o.action, o.price, o.close, o.gross_return, o.net_return, o.went_up, o.p_up, d.confidence,
        o.net_return > 0 AS paid, o.body
    FROM outcome o LEFT JOIN decision d USING (decision_id) ORDER BY o.id;
-- One row a fuser and update: its Brier score on that outcome, and whether it decides from there on.
CREATE OR REPLACE VIEW fuser_losses AS
    SELECT account_id, decision_id, resolved, number, fuser, loss[fuser] AS brier, fuser = live AS live
    FROM (SELECT account_id, decision_id, make_timestamp_ns(ts_event) AS resolved, number, live,
        CAST(body -> 'losses' AS MAP(VARCHAR, DOUBLE)) AS loss, unnest(map_keys(loss)) AS fuser FROM fuser_update)
    ORDER BY account_id, number, fuser;
-- One row a fuser, agent and update: the weight after it.
CREATE OR REPLACE VIEW fuser_weights AS
    SELECT account_id, decision_id, resolved, number, fuser, unnest(map_keys(held)) AS agent,
        unnest(map_values(held)) AS weight
    FROM (SELECT account_id, decision_id, resolved, number, fuser, weights[fuser] AS held
        FROM (SELECT account_id, decision_id, make_timestamp_ns(ts_event) AS resolved, number,
            CAST(body -> 'weights' AS MAP(VARCHAR, MAP(VARCHAR, DOUBLE))) AS weights,
            unnest(map_keys(weights)) AS fuser FROM fuser_update))
    ORDER BY account_id, number, fuser, agent;
