-- Where packets go: the 20 destination ports with the most packets, from and to how many addresses.
SELECT
  protocol_name,
  dst_port,
  count(*) AS packets,
  CAST(sum(original_len) AS BIGINT) AS bytes,
  count(DISTINCT src_addr) AS sources,
  count(DISTINCT dst_addr) AS destinations
FROM packets
WHERE dst_port IS NOT NULL
GROUP BY protocol_name, dst_port
ORDER BY packets DESC, protocol_name, dst_port
LIMIT 20
