-- Who gets answers of DNS that it has not asked for: 100 or more with 512 bytes or more, ten or more for each question.
-- Where only what comes in is captured, no questions are seen: a resolver that asks much looks the same then, but its
-- answers come to many ports.
WITH answers AS (
  SELECT
    dst_addr,
    count(*) AS answers,
    CAST(sum(original_len) AS BIGINT) AS bytes,
    count(DISTINCT src_addr) AS resolvers,
    count(DISTINCT dst_port) AS ports,
    min(ts) AS first_ts,
    max(ts) AS last_ts
  FROM packets
  WHERE protocol = 17 AND src_port = 53 AND payload_len >= 512
  GROUP BY dst_addr
),
questions AS (
  SELECT src_addr, count(*) AS questions
  FROM packets
  WHERE protocol = 17 AND dst_port = 53
  GROUP BY src_addr
)
SELECT
  answers.dst_addr AS dst_addr,
  answers.answers AS answers,
  coalesce(questions.questions, 0) AS questions,
  answers.bytes AS bytes,
  answers.resolvers AS resolvers,
  answers.ports AS ports,
  answers.first_ts AS first_ts,
  answers.last_ts AS last_ts
FROM answers
LEFT JOIN questions ON questions.src_addr = answers.dst_addr
WHERE answers.answers >= 100
  AND coalesce(questions.questions, 0) * 10 <= answers.answers
ORDER BY bytes DESC, dst_addr
