-- The plan that is asked, as plan.rs writes it, and what was worked out for it beside.
--
-- ARGV[1]: the plan as JSON, or nothing: { version, subject, group, at, growing, items }; an item is
-- { resource, aggregate, amount, member, metered, bounds }; a bound { per, key, shape, start,
-- finish, limit, mode, trailing, ceiling, grace, warnings, period, place }, and of one by first
-- use `earliest`, the first moment whose charge could make it begin so that it holds its start; of
-- a rolling one `alive`, the first moment that still counts now, and `ended`, if that of the plan
-- no longer does. Times are in milliseconds, amounts in text.
--
-- ARGV[2]: what else there is, as JSON, or nothing:
--   begun    the days of buckets by first use, by key: { first moment, next day, end or null }
--   folds    counts of windows that are not kept, by `ITEM:BOUND` from 1:
--            { before, after }, each { used, since, end, known, oldest } in text
--   refunds  counts that a refund leaves, by the field of the bucket among the places
--   guard    { epoch, cards }: what was looked at for these: they hold while it is as it was

local plan = ARGV[1] ~= '' and cjson.decode(ARGV[1]) or nil
local extras = ARGV[2] ~= '' and cjson.decode(ARGV[2]) or {}

if plan then
  for _, item in ipairs(plan.items) do
    item.amount = amount.read(item.amount)
    for _, bound in ipairs(item.bounds) do
      if bound.limit then bound.limit = amount.read(bound.limit) end
      if bound.ceiling then bound.ceiling = amount.read(bound.ceiling) end
      if bound.per == 'subject' then
        bound.account = plan.subject
      elseif bound.per == 'group' then
        bound.account = plan.group -- nil if it is in none
      else
        bound.account = ''
      end
    end
  end
end

-- Returns true if something has changed since what is in `extras` was worked out.
local function is_outdated()
  local guard = extras.guard
  if not guard then return false end
  if (call('GET', root .. 'epoch') or '0') ~= guard.epoch then return true end
  for key, card in pairs(guard.cards) do
    if call('ZCARD', placed(key)) ~= card then return true end
  end
  return false
end

-- Returns the line of the ledger that charges what an item asks.
local function charge_of(item, kind)
  return {
    subject = plan.subject, group = plan.group or '', resource = item.resource, kind = kind,
    amount = CHARGES[kind] and item.amount or 0, member = item.member or '', at = plan.at,
    hold = '', bucket = '', key = '', fingerprint = '',
  }
end

-- Returns an answer if a charge at `at` of these items (with a resource each) cannot be counted
-- before the days of some buckets are known.
local function days_lacking(items, at)
  local lacking = {}
  for _, item in ipairs(items) do lacking_days(item.resource, at, extras.begun, lacking) end
  if #lacking == 0 then return nil end
  return { 'days', whole(at), unpack(lacking) }
end
