-- Who sends most: the 20 source addresses with the most bytes, and to how many others.
SELECT
  src_addr,
  count(*) AS packets,
  CAST(sum(original_len) AS BIGINT) AS bytes,
  count(DISTINCT dst_addr) AS destinations
FROM packets
WHERE src_addr IS NOT NULL
GROUP BY src_addr
ORDER BY bytes DESC, src_addr
LIMIT 20
