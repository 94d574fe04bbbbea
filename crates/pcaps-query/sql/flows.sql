-- The view flows: packets by the five-tuple of their innermost IP header, each direction for itself.
SELECT
  capture_id,
  src_addr,
  dst_addr,
  protocol,
  protocol_name,
  src_port,
  dst_port,
  min(ts) AS first_ts,
  max(ts) AS last_ts,
  count(*) AS packets,
  CAST(sum(original_len) AS BIGINT) AS bytes,
  CAST(sum(coalesce(payload_len, 0)) AS BIGINT) AS payload_bytes,
  CAST(sum(CASE WHEN (tcp_flags & 18) = 2 THEN 1 ELSE 0 END) AS BIGINT) AS syns,
  CAST(sum(CASE WHEN (tcp_flags & 18) = 18 THEN 1 ELSE 0 END) AS BIGINT) AS syn_acks,
  CAST(sum(CASE WHEN (tcp_flags & 1) = 1 THEN 1 ELSE 0 END) AS BIGINT) AS fins,
  CAST(sum(CASE WHEN (tcp_flags & 4) = 4 THEN 1 ELSE 0 END) AS BIGINT) AS rsts
FROM packets
WHERE src_addr IS NOT NULL
GROUP BY capture_id, src_addr, dst_addr, protocol, protocol_name, src_port, dst_port
