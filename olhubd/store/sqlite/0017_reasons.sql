-- Rewrites: nothing
-- Why an account was parked is asked of its reason's code since now; who was parked before, with its key, tries it on.
UPDATE accounts
SET reason = json_object(
    'code', 'account.key-refused',
    'values', json_object('error', substr(reason, length('its key is refused: ') + 1)),
    'text', reason
)
WHERE reason LIKE 'its key is refused: %';
