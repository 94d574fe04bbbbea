-- How much passed when: packets and bytes of each minute, and how many packets were TCP, UDP and ICMP.
SELECT
  date_trunc('minute', ts) AS minute,
  count(*) AS packets,
  CAST(sum(original_len) AS BIGINT) AS bytes,
  CAST(sum(CASE WHEN protocol = 6 THEN 1 ELSE 0 END) AS BIGINT) AS tcp,
  CAST(sum(CASE WHEN protocol = 17 THEN 1 ELSE 0 END) AS BIGINT) AS udp,
  CAST(sum(CASE WHEN protocol IN (1, 58) THEN 1 ELSE 0 END) AS BIGINT) AS icmp
FROM packets
GROUP BY date_trunc('minute', ts)
ORDER BY minute
