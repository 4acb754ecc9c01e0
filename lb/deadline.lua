-- The filter `lua.deadline SECONDS`: ends a request whose body takes longer than that to arrive.
-- HAProxy's own timeouts start anew with each byte. `txn.arriving` is true until the body is complete.

local Deadline = {id = "deadline", flags = filter.FLT_CFG_FL_HTX}
Deadline.__index = Deadline

function Deadline:new()
    return setmetatable({ends = core.now().sec + self.args[1]}, Deadline)
end

function Deadline:http_headers(txn, message)
    if not message.channel:is_resp() then
        txn:set_var("txn.arriving", true)
        filter.register_data_filter(self, message.channel)
    end
end

-- Called for each part that arrives. An error ends the request with status 400; HAProxy ignores
-- filter.ERROR here.
function Deadline:http_payload()
    if core.now().sec > self.ends then
        error("The body of a request did not arrive in time.", 0)
    end
end

function Deadline:http_end(txn, message)
    if not message.channel:is_resp() then
        txn:set_var("txn.arriving", false)
    end
end

core.register_filter("deadline", Deadline, function(self, args)
    self.args = args
    return self
end)
