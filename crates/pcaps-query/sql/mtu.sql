-- Where packets do not fit: the 20 pairs of addresses with the most fragments and ICMP messages that a packet is too big.
-- Such a message goes from the router that could not pass a packet on to the address that sent it.
WITH pairs AS (
  SELECT
    src_addr,
    dst_addr,
    count(*) AS packets,
    max(original_len) AS largest,
    CAST(sum(CASE WHEN fragment_id IS NOT NULL THEN 1 ELSE 0 END) AS BIGINT) AS fragments,
    CAST(sum(CASE
      WHEN protocol = 1 AND icmp_type = 3 AND icmp_code = 4 THEN 1
      WHEN protocol = 58 AND icmp_type = 2 THEN 1
      ELSE 0
    END) AS BIGINT) AS too_big
  FROM packets
  WHERE src_addr IS NOT NULL
  GROUP BY src_addr, dst_addr
)
SELECT src_addr, dst_addr, packets, largest, fragments, too_big
FROM pairs
WHERE fragments + too_big > 0
ORDER BY fragments + too_big DESC, fragments DESC, src_addr, dst_addr
LIMIT 20
