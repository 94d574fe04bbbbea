-- Who is flooded with SYNs: ports with 100 or more in a minute, and fewer than two other packets for each.
-- Whoever means it sends at least two more, the handshake's ACK and an end. That holds where answers are not seen,
-- where the server answers floods too (SYN cookies), and of samples, which lose SYNs and other packets alike. Rows are
-- about the minutes in which it is so.
WITH minutes AS (
  SELECT
    dst_addr,
    dst_port,
    date_trunc('minute', ts) AS minute,
    CAST(sum(CASE WHEN (tcp_flags & 18) = 2 THEN 1 ELSE 0 END) AS BIGINT) AS syns,
    CAST(sum(CASE WHEN (tcp_flags & 18) = 2 THEN 0 ELSE 1 END) AS BIGINT) AS others,
    count(DISTINCT CASE WHEN (tcp_flags & 18) = 2 THEN src_addr END) AS sources,
    min(CASE WHEN (tcp_flags & 18) = 2 THEN ts END) AS first_ts,
    max(CASE WHEN (tcp_flags & 18) = 2 THEN ts END) AS last_ts
  FROM packets
  WHERE protocol = 6 AND tcp_flags IS NOT NULL
  GROUP BY dst_addr, dst_port, date_trunc('minute', ts)
)
SELECT
  dst_addr,
  dst_port,
  count(*) AS minutes,
  CAST(sum(syns) AS BIGINT) AS syns,
  CAST(sum(others) AS BIGINT) AS others,
  max(syns) AS most_syns_in_a_minute,
  max(sources) AS most_sources_in_a_minute,
  min(first_ts) AS first_ts,
  max(last_ts) AS last_ts
FROM minutes
WHERE syns >= 100 AND others < syns * 2
GROUP BY dst_addr, dst_port
ORDER BY syns DESC, dst_addr, dst_port
