"""The statements of the floor (scripts.bench.floor): the rows and columns that the service's answers show."""
# ruff: noqa: S608 - put together from constants

COLUMNS = """id, customer_id AS customer, order_number, product_name, status, payment_status, currency, total,
    refunded_total, placed_at, paymented_at, updated_at, version, source, external_reference"""
INDEXES = "IGNORE INDEX (order_by_status, order_newest, order_by_total, order_changed)"

CALLER = """
    SELECT member.id, member.is_active, token.expiry FROM knox_authtoken AS token
      JOIN accounts_member AS member ON member.id = token.user_id WHERE token.digest = %s
"""
HISTORY = f"""
    SELECT {COLUMNS} FROM orders_order {INDEXES} WHERE customer_id = %s
     ORDER BY placed_at DESC, id DESC LIMIT %s OFFSET %s
"""
HISTORY_BEFORE = f"""
    SELECT {COLUMNS} FROM orders_order {INDEXES}
     WHERE customer_id = %s AND (placed_at < %s OR (placed_at = %s AND id < %s))
     ORDER BY placed_at DESC, id DESC LIMIT %s
"""
ORDER = f"SELECT {COLUMNS} FROM orders_order WHERE id = %s AND customer_id = %s"
LINES = """
    SELECT position, sku, name, quantity, quantity_canceled, quantity_returned, unit_price
      FROM orders_orderline WHERE order_id = %s ORDER BY position
"""
REFUNDS = "SELECT id, amount, reason, created_at FROM orders_refund WHERE order_id = %s ORDER BY id"
MEMBERS = """
    SELECT id, email, email_verified_at, name, nickname, phone, gender, erased_at,
           (SELECT newest.id FROM orders_order AS newest WHERE newest.customer_id = member.id
             ORDER BY newest.placed_at DESC, newest.id DESC LIMIT 1) AS last_order_id
      FROM accounts_member AS member ORDER BY id LIMIT %s
"""
ORDERS = f"SELECT {COLUMNS} FROM orders_order WHERE id IN %s"
SUMS = """
    SELECT customer_id, currency, COUNT(*) AS orders,
           SUM(IF(payment_status <> 'unpaid', total - refunded_total, NULL)) AS received
      FROM orders_order WHERE customer_id IN %s GROUP BY customer_id, currency
"""
RECENT = "customer_id = %s AND placed_at >= UTC_TIMESTAMP() - INTERVAL 30 DAY"
STATS = f"""
    SELECT DATE(placed_at) AS day, status, currency, COUNT(*) AS orders,
           SUM(IF(payment_status <> 'unpaid', total - refunded_total, NULL)) AS received
      FROM orders_order {INDEXES} WHERE {RECENT} GROUP BY day, status, currency
"""
TOP_PRODUCTS = f"""
    SELECT name, sku, SUM(quantity) AS pieces FROM orders_orderline
     WHERE order_id IN (SELECT id FROM orders_order {INDEXES} WHERE {RECENT})
     GROUP BY name, sku ORDER BY pieces DESC, name, sku LIMIT 10
"""

INSERT_KEY = """
    INSERT INTO orders_idempotencykey (caller_id, `key`, fingerprint, headers, body, created_at)
    VALUES (%s, %s, %s, '{}', '', UTC_TIMESTAMP(6))
"""
UPDATE_KEY = "UPDATE orders_idempotencykey SET status_code = 201, body = %s, order_id = %s WHERE id = %s"
INSERT_ORDER = """
    INSERT INTO orders_order (order_number, customer_id, product_name, status, payment_status, currency,
           total, refunded_total, placed_at, paymented_at, updated_at, version, source)
    VALUES (%s, %s, %s, 'paid', 'paid', 'KRW', 0, 0, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6),
           1, 'api')
"""
INSERT_LINE = """
    INSERT INTO orders_orderline (order_id, position, sku, name, quantity, quantity_canceled,
           quantity_returned, unit_price) VALUES (%s, 1, '', %s, 1, 0, 0, 0)
"""
INSERT_EVENT = """
    INSERT INTO orders_orderevent (order_id, seq, type, role, actor_id, to_status, data, request_id,
           created_at) VALUES (%s, 1, 'place', 'owner', %s, 'paid', %s, '', UTC_TIMESTAMP(6))
"""
MEMBER_BY_EMAIL = "SELECT id, email, name, nickname, phone, password FROM accounts_member WHERE email = %s"
INSERT_MEMBER = """
    INSERT INTO accounts_member (password, email, name, nickname, phone, is_superuser, is_staff, is_active,
           date_joined) VALUES (%s, %s, %s, %s, %s, 0, 0, 1, UTC_TIMESTAMP(6))
"""
INSERT_AUTH = """
    INSERT INTO knox_authtoken (digest, token_key, user_id, created, expiry)
    VALUES (%s, %s, %s, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL 10 HOUR)
"""
INSERT_SESSION = "INSERT INTO accounts_session (auth_token_id, user_agent) VALUES (%s, 'bench')"
