-- Where packets go: the 20 destination ports with the most packets, from and to how many addresses.
-- Which they are comes first, so that addresses are told apart for those only.
WITH busiest AS (
  SELECT protocol_name, dst_port, count(*) AS seen
  FROM packets
  WHERE dst_port IS NOT NULL
  GROUP BY protocol_name, dst_port
  ORDER BY seen DESC, protocol_name, dst_port
  LIMIT 20
)
SELECT
  busiest.protocol_name AS protocol_name,
  busiest.dst_port AS dst_port,
  count(*) AS packets,
  CAST(sum(packets.original_len) AS BIGINT) AS bytes,
  count(DISTINCT packets.src_addr) AS sources,
  count(DISTINCT packets.dst_addr) AS destinations
FROM packets
JOIN busiest
  ON packets.protocol_name = busiest.protocol_name
  AND packets.dst_port = busiest.dst_port
GROUP BY busiest.protocol_name, busiest.dst_port
ORDER BY packets DESC, protocol_name, dst_port
