-- Who sends most: the 20 source addresses with the most bytes, and to how many others.
WITH pairs AS (
  SELECT src_addr, dst_addr, count(*) AS packets, sum(original_len) AS bytes
  FROM packets
  WHERE src_addr IS NOT NULL
  GROUP BY src_addr, dst_addr
)
SELECT
  src_addr,
  CAST(sum(packets) AS BIGINT) AS packets,
  CAST(sum(bytes) AS BIGINT) AS bytes,
  count(*) AS destinations
FROM pairs
GROUP BY src_addr
ORDER BY bytes DESC, src_addr
LIMIT 20
