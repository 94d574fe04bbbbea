-- Who scans TCP ports: addresses that send SYNs to 50 or more pairs of address and port, at most one in ten of them open.
-- Who sends fewer SYNs has no 50 pairs, and a flood has many of those: they are left out before pairs are told apart.
-- A port is open that answers with SYN and ACK, or to which the address goes on to send: answers may not be captured.
WITH probes AS (
  SELECT src_addr, dst_addr, dst_port, count(*) AS syns, min(ts) AS first_ts, max(ts) AS last_ts
  FROM packets
  WHERE (tcp_flags & 18) = 2
    AND src_addr IN (
      SELECT src_addr FROM packets WHERE (tcp_flags & 18) = 2 GROUP BY src_addr HAVING count(*) >= 50
    )
  GROUP BY src_addr, dst_addr, dst_port
),
open_ports AS (
  SELECT dst_addr AS client, src_addr AS server, src_port AS port
  FROM packets
  WHERE (tcp_flags & 18) = 18
  UNION
  SELECT src_addr AS client, dst_addr AS server, dst_port AS port
  FROM packets
  WHERE (tcp_flags & 22) = 16
)
SELECT
  probes.src_addr AS src_addr,
  count(*) AS targets,
  count(open_ports.port) AS open,
  count(DISTINCT probes.dst_addr) AS destinations,
  count(DISTINCT probes.dst_port) AS ports,
  CAST(sum(probes.syns) AS BIGINT) AS syns,
  min(probes.first_ts) AS first_ts,
  max(probes.last_ts) AS last_ts
FROM probes
LEFT JOIN open_ports
  ON open_ports.client = probes.src_addr
  AND open_ports.server = probes.dst_addr
  AND open_ports.port = probes.dst_port
GROUP BY probes.src_addr
HAVING count(*) >= 50 AND count(open_ports.port) * 10 <= count(*)
ORDER BY targets DESC, src_addr
