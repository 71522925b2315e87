-- Watch: what a charge did to the windows of the plan: what there is to tell, and since when more
-- than a limit is used.

-- Returns what became of a window when its count went from `before` to `after`, as
-- quota/notice.rs says: { topic, percentage, part } each.
local function crossings(bound, before, after)
  local limit, all = bound.limit, {}
  if amount.compare(before, after) == 0 then return all end
  local is_positive = amount.compare(limit, 0) > 0
  if is_positive then
    for _, percentage in ipairs(bound.warnings) do
      if amount.reached(after, limit, percentage) and not amount.reached(before, limit, percentage) then
        table.insert(all, { topic = 'warn', percentage = percentage })
      end
    end
  end
  if amount.compare(before, limit) <= 0 and amount.compare(limit, after) < 0 then
    table.insert(all, { topic = 'over' })
  end
  if is_positive and amount.compare(before, limit) >= 0 and amount.compare(after, limit) < 0 then
    table.insert(all, { topic = 'recovered' })
  end
  if bound.mode == 'soft' then
    local part = amount.minus(after, amount.most(before, limit))
    if part and amount.compare(part, 0) > 0 then
      table.insert(all, { topic = 'charge_over', part = part })
    end
  end
  return all
end

-- Returns true if what happened in the window no longer counts in it.
local function has_ended(bound, finish, now)
  if bound.shape == 'rolling' then return bound.ended end
  return finish and finish <= now
end

local function set_mark(marks, field, finish, now)
  call('HSET', marks, field, whole(now))
  if finish then
    local name = string.sub(marks, #root + 1)
    call('ZADD', root .. 'marks-by-end', whole(finish), name .. '\n' .. field)
  end
end

local function add_notice(item, bound, crossing, used, now)
  local id = padded(next_id('last-notice'))
  call('HSET', root .. 'notice', id, cjson.encode({
    crossing.topic, plan.subject, item.resource, bound.per,
    bound.per == 'group' and bound.account or '', bound.period, bound.key, bound.mode,
    amount.text(bound.limit), amount.text(used),
    crossing.percentage and whole(crossing.percentage) or '',
    crossing.part and amount.text(crossing.part) or '', whole(now),
  }))
  call('ZADD', root .. 'notices', 0, id)
end

local function tell(item, bound, marks, key, finish, crossing, used, now)
  if crossing.topic ~= 'charge_over' then
    local mark = crossing.topic
    if crossing.percentage then mark = mark .. ' ' .. whole(crossing.percentage) end
    local field = mark_field(bound, mark, key)
    local told = tonumber(call('HGET', marks, field) or '')
    local is_gone = told and bound.shape == 'rolling' and told < bound.alive
    if told and not is_gone then return end
    set_mark(marks, field, finish, now)
  end
  add_notice(item, bound, crossing, used, now)
end

-- Tells and remembers what it means that the windows of the plan went from `before` to `after`.
local function watch(before, after, now)
  for i, item in ipairs(plan.items) do
    for j, bound in ipairs(item.bounds) do
      if bound.limit and bound.account then
        local was, is = before[i][j].used, after[i][j].used
        local marks, key, finish = marked(item, bound, after[i][j])
        local past = mark_field(bound, 'past', key)
        if not is_past(bound, is) then
          if is_past(bound, was) then call('HDEL', marks, past) end
        elseif not is_past(bound, was) or call('HEXISTS', marks, past) == 0 then
          -- It may have been past before, and fallen back by itself.
          set_mark(marks, past, finish, now)
        end
        if not has_ended(bound, finish, now) then
          for _, crossing in ipairs(crossings(bound, was, is)) do
            tell(item, bound, marks, key, finish, crossing, is, now)
          end
        end
      end
    end
  end
end
