-- Commits a batch of deliveries and their events in one autocommit statement: if the connection
-- stalls, no open transaction is left holding the fence.
SELECT commit_batch(
    $1, $2, $3, $4,
    -- Headers.
    $5,
    -- Deliveries.
    $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
    -- Items.
    $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36,
    $37, $38, $39, $40, $41, $42,
    -- Accounts.
    $43, $44, $45, $46
)
