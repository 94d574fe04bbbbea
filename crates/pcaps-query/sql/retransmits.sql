-- Which connections repeat themselves: the 20 with the most TCP segments sent again, SYNs included.
-- A segment is the same that has the same sequence number and length, in the same capture and as deep in tunnels: a
-- packet that was captured before and within a tunnel was sent once. Segments of one byte are left out, because
-- keep-alives have that, and later fragments, because they do not say of which segment they are.
WITH segments AS (
  SELECT
    src_addr,
    src_port,
    dst_addr,
    dst_port,
    payload_len,
    (tcp_flags & 2) AS syn,
    count(*) AS sent
  FROM packets
  WHERE protocol = 6 AND tcp_seq IS NOT NULL AND ((tcp_flags & 2) = 2 OR payload_len > 1)
  GROUP BY capture_id, tunnels, src_addr, src_port, dst_addr, dst_port, tcp_seq, payload_len, (tcp_flags & 2)
)
SELECT
  src_addr,
  src_port,
  dst_addr,
  dst_port,
  CAST(sum(sent) AS BIGINT) AS segments,
  CAST(sum(sent - 1) AS BIGINT) AS repeated,
  CAST(sum(CASE WHEN syn = 2 THEN sent - 1 ELSE 0 END) AS BIGINT) AS repeated_syns,
  CAST(sum((sent - 1) * coalesce(payload_len, 0)) AS BIGINT) AS repeated_bytes
FROM segments
GROUP BY src_addr, src_port, dst_addr, dst_port
HAVING sum(sent - 1) > 0
ORDER BY repeated DESC, src_addr, src_port, dst_addr, dst_port
LIMIT 20
